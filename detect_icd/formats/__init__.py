"""Between the model and what leaves the process: JSON, protobuf, the terminal's table and the HTML page."""
