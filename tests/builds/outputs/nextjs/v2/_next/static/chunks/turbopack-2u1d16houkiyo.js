9974 bytes, cut
