"""What we can say about media bytes, and the stills and previews we make of them. Plain Python, no Django.

`sniff` and `container` read bytes with our own code and may be called anywhere. Everything that hands bytes to a decoder
of FFmpeg or Pillow (`video`, `picture`, `stills`, `preview`) runs as `python -m lumaboard.media` under its own limits:
callers use the functions of `worker` and never import the decoders.
"""
