"""From masks to cut-outs: clean-up, matting, foreground colours, compositing."""
