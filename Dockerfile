# SPDX-License-Identifier: Apache-2.0
#   docker build -t hiky .
# To try it, with an open door that only this machine reaches: anybody can be anybody.
#   docker run --rm -e HIKY_AUTH=open -e HIKY_ALLOW_OPEN=true -p 127.0.0.1:8080:8080 hiky
# For real, with the secret that tokens are signed with in the variable JWT_SECRET:
#   docker run --rm -e HIKY_AUTH=jwt -e HIKY_JWT_KEY=env:JWT_SECRET -e JWT_SECRET -p 8080:8080 hiky
# Without HIKY_AUTH it ends with a sentence that says the same: what -p publishes, everybody may reach. The data of the embedded Redis is in the
# volume. Options are arguments, or environment variables HIKY_…. Several on one Redis: deploy/compose.yaml.
FROM debian:bookworm AS build
WORKDIR /hiky
COPY script/bootstrap script/
RUN script/bootstrap server
COPY . .
RUN cmake --preset release -DHIKY_BUILD_TESTS=OFF -DHIKY_BUILD_BENCH=OFF \
 && cmake --build --preset release \
 && cmake --install build/release --prefix /opt/hiky --strip

FROM debian:bookworm-slim
# redis-tools holds the server's program too; the name it is called by decides what it is.
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-tools libfmt9 libspdlog1.10 libprometheus-cpp-core1.0 libssl3 liburing2 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && ln -s redis-check-rdb /usr/bin/redis-server \
 && useradd --system --home-dir /var/lib/hiky --create-home hiky
COPY --from=build /opt/hiky/bin/ /usr/local/bin/
USER hiky
# All addresses of the container: its loopback is out of reach for -p.
ENV HIKY_DATA=/var/lib/hiky HIKY_LISTEN=0.0.0.0:8080
VOLUME /var/lib/hiky
EXPOSE 8080
# Whether it lives, not whether Redis does: who restarts what is unhealthy would throw out everybody for an outage that a restart does not mend.
# Asks the daemon itself, which may listen anywhere: its own command line, with one flag more, knows where.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
  CMD xargs -0 -a /proc/1/cmdline sh -c 'exec "$@" --check-live' sh || exit 1
STOPSIGNAL SIGTERM
ENTRYPOINT ["hikyd"]
