# The uploader alone: no shell, no package manager, nothing to pin. `make bundle` makes what it adds, by signatures and
# hashes. It needs BuildKit, as every Docker since 23 has it:
#   docker build -t asset-cleaner .
FROM scratch AS amd64
ADD dist/uploader-linux-x86_64.tar.gz /

FROM scratch AS arm64
ADD dist/uploader-linux-aarch64.tar.gz /

FROM ${TARGETARCH}
USER 65532:65532
WORKDIR /work
# What the program `/uploader/uploader` does, which would need a shell.
ENTRYPOINT ["/uploader/lib/ld.so", "--inhibit-cache", "--library-path", "/uploader/lib", "--argv0", "/uploader/bin/python3", "/uploader/bin/python3", "-I", "/uploader/lib/uploader.py"]
