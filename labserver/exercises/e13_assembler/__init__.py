"""E13: messages out of frames, with control frames in between."""
