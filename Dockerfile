# Build with the network, run without: the image holds the package, its bundle and nothing to build with.
# (The full image brings the C compiler that turns the stages into machine code.)
FROM python:3.12 AS build
ENV BUILD_WITH_MYPYC=1
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE NOTICE ./
COPY proto proto
COPY lexicon lexicon
COPY detect_icd detect_icd
RUN python -m venv /opt/detect-icd && /opt/detect-icd/bin/pip install --no-cache-dir .

FROM python:3.12-slim
COPY --from=build /opt/detect-icd /opt/detect-icd
RUN useradd --system --uid 10001 --no-create-home detect-icd
USER 10001
# It listens beyond loopback, so it asks for certificates (DETECT_ICD_TLS_CERTIFICATE, DETECT_ICD_TLS_KEY), or to be told
# that something in front encrypts (DETECT_ICD_INSECURE_OK=1). Health alone is on loopback, for HEALTHCHECK.
ENV PATH=/opt/detect-icd/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DETECT_ICD_ADDRESS=0.0.0.0:50051 \
    DETECT_ICD_HEALTH_ADDRESS=127.0.0.1:50052
EXPOSE 50051
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-m", "detect_icd.service.probe"]
ENTRYPOINT ["detect-icd"]
CMD ["serve"]
