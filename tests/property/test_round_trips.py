"""decode(encode(x)) == x, for every form in which the model leaves the process."""

from __future__ import annotations

import json

from hypothesis import given, settings
from strategies import detections, requests, settled

from detect_icd.formats import json as plain
from detect_icd.formats import proto
from detect_icd.v1 import detection_pb2 as pb

few = settings(max_examples=60, deadline=None)


@few
@given(detections)
def test_json_keeps_a_detection(detection):
    line = plain.dump_line(plain.to_plain(detection))
    assert "\n" not in line
    assert plain.detection_from_plain(json.loads(line)) == detection


@few
@given(detections)
def test_protobuf_keeps_a_detection(detection):
    sent = proto.detection_to_proto(detection).SerializeToString()
    assert proto.detection_from_proto(pb.DetectResponse.FromString(sent)) == detection


@few
@given(detections)
def test_a_remote_answer_prints_the_same_bytes(detection):
    remote = proto.detection_from_proto(proto.detection_to_proto(detection))
    assert plain.dump_page(plain.to_plain(remote)) == plain.dump_page(plain.to_plain(detection))


@few
@given(settled)
def test_protobuf_keeps_settled_mentions(value):
    sent = proto.settled_to_proto(value).SerializeToString()
    assert proto.settled_from_proto(pb.DetectStreamResponse.FromString(sent)) == value


@few
@given(requests)
def test_protobuf_keeps_a_request(request):
    sent = proto.request_to_proto(request).SerializeToString()
    assert proto.request_from_proto(pb.DetectRequest.FromString(sent)) == request


@few
@given(requests)
def test_json_keeps_a_request(request):
    assert plain.request_from_plain(json.loads(plain.dump_line(plain.to_plain(request)))) == request
