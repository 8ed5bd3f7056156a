2288 bytes, cut
