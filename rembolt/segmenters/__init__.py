"""One file a family of networks: a picture in, its masks out."""
