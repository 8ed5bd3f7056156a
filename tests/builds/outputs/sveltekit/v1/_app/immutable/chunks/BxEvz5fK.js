34203 bytes, cut
