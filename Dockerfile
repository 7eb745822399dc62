# An image of one static binary: docs/install.md says how to run it.
# The minor version of Go is pinned as in go.mod. The patch release floats, so
# that building again takes Go's security fixes in; `watchword version` names it.
FROM --platform=$BUILDPLATFORM docker.io/library/golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The repository is not in the context: version, commit and its time are told. Another
# architecture is cross-compiled, which is faster than to emulate it.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X main.release=$VERSION -X main.commit=$REVISION -X main.built=$CREATED" -o /out/watchword ./cmd/watchword
RUN mkdir -p /out/etc/ssl/certs /out/etc/watchword /data \
 && cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ \
 && echo 'nonroot:x:65532:65532:nonroot:/data:/sbin/nologin' >/out/etc/passwd \
 && echo 'nonroot:x:65532:' >/out/etc/group \
 && cp LICENSE /out/ && go run ./internal/dist -notices /out/THIRD-PARTY-LICENSES && chmod -R u=rwX,go=rX /out

FROM scratch
ARG VERSION=dev
ARG REVISION=unknown
ARG CREATED
LABEL org.opencontainers.image.title="Watchword" \
      org.opencontainers.image.description="Watches services behind a login gate with a credential of its own, and says which hop failed" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.source="https://github.com/watchword/watchword" \
      org.opencontainers.image.documentation="https://github.com/watchword/watchword/blob/main/docs/install.md" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build --chown=0:0 /out/ /
# All that is ever written. A new volume takes its owner over.
COPY --from=build --chown=65532:65532 /data /data
# Loopback of a container is reached by nobody: all addresses, and the warning
# at start says what that means. Zones for cron are in the binary.
ENV WATCHWORD_LISTEN=0.0.0.0:9640 WATCHWORD_CONFIG=/etc/watchword
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 9640
HEALTHCHECK --interval=30s --timeout=6s --start-period=20s CMD ["/watchword", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/watchword"]
CMD ["run"]
