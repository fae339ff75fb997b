# SPDX-License-Identifier: Apache-2.0
#   docker build -t hiky .
# To try it, with an open door that only this machine reaches: anybody can be anybody.
#   docker run --rm -e HIKY_AUTH=open -e HIKY_ALLOW_OPEN=true -p 127.0.0.1:8080:8080 hiky
# For real, with the secret that tokens are signed with in the variable JWT_SECRET:
#   docker run --rm -e HIKY_AUTH=jwt -e HIKY_JWT_KEY=env:JWT_SECRET -e JWT_SECRET -p 8080:8080 hiky
# Without HIKY_AUTH the daemon ends with a sentence that says the same: everybody may reach a port that -p publishes.
# The data of the embedded Redis is in the volume. Options are arguments, or environment variables HIKY_…. Several on
# one Redis: deploy/compose.yaml.
FROM debian:bookworm AS build
WORKDIR /hiky
COPY script/bootstrap script/
RUN script/bootstrap server
COPY . .
RUN cmake --preset release -DHIKY_BUILD_TESTS=OFF -DHIKY_BUILD_BENCH=OFF \
 && cmake --build --preset release \
 && cmake --install build/release --prefix /opt/hiky --strip

FROM debian:bookworm-slim
# redis-tools holds the program of the server, too. The name by which the program is called decides which one it is.
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-tools libfmt9 libspdlog1.10 libprometheus-cpp-core1.0 libssl3 liburing2 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s redis-check-rdb /usr/bin/redis-server \
 && useradd --system --home-dir /var/lib/hiky --create-home hiky
COPY --from=build /opt/hiky/bin/ /usr/local/bin/
USER hiky
# Listens on all addresses of the container, because -p does not reach its loopback.
ENV HIKY_DATA=/var/lib/hiky HIKY_LISTEN=0.0.0.0:8080
VOLUME /var/lib/hiky
EXPOSE 8080
# The check asks whether the daemon lives, not whether Redis does. An orchestrator restarts an unhealthy container, and
# a restart would end all connections without mending an outage of Redis. The daemon may listen anywhere, so the check
# runs the daemon's own command line with one flag more.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
  CMD xargs -0 -a /proc/1/cmdline sh -c 'exec "$@" --check-live' sh || exit 1
STOPSIGNAL SIGTERM
ENTRYPOINT ["hikyd"]
