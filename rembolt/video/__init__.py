"""Moving pictures: raw frames through pipes, and video files."""
