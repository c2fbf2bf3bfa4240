# All binaries; librdkafka is linked in, so that the result needs glibc only.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=0.1.0-dev
RUN mkdir /out && go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/ ./cmd/laminardb*

FROM debian:bookworm-slim
RUN apt-get update \
	&& apt-get install -y --no-install-recommends ca-certificates \
	&& rm -rf /var/lib/apt/lists/* \
	&& useradd --system --uid 10001 --home-dir /var/lib/laminardb --create-home laminardb
COPY --from=build /out/ /usr/local/bin/
COPY examples/market-data/sql /usr/share/laminardb/sql
USER laminardb
WORKDIR /var/lib/laminardb
VOLUME /var/lib/laminardb
EXPOSE 5433 8090
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=12 CMD ["laminardb", "ready"]
ENTRYPOINT ["laminardb"]
CMD ["serve", "--listen=0.0.0.0:5433", "--http-listen=0.0.0.0:8090", "--data-dir=/var/lib/laminardb"]
