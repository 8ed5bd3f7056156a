2932 bytes, cut
