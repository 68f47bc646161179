"""The gRPC adapter: thin servicers over the core, one place that turns its errors into statuses."""
