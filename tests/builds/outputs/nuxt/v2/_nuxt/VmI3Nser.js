184632 bytes, cut
