229288 bytes, cut
