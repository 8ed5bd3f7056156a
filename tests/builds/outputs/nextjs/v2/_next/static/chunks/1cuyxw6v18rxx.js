187255 bytes, cut
