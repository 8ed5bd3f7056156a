17026 bytes, cut
