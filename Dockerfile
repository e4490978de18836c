# The application alone: pages, API, command line and upkeep. Store and catalogue are other containers
# (docker-compose.yml), or the embedded ones where no setting names others.
FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/strongroom
WORKDIR /src
COPY constraints.txt pyproject.toml LICENSE ./
COPY vault vault
COPY storage storage
COPY web web
RUN /opt/strongroom/bin/pip install --constraint constraints.txt .

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-wqy-zenhei libseccomp2 \
    && rm -rf /var/lib/apt/lists/*
RUN groupadd --gid 10001 strongroom \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/strongroom --shell /usr/sbin/nologin strongroom \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/strongroom /var/lib/strongroom-keeper
COPY --from=build /opt/strongroom /opt/strongroom
COPY --chmod=0755 scripts/make_secrets /usr/local/bin/make_secrets
ENV PATH=/opt/strongroom/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STRONGROOM_HOME=/var/lib/strongroom
VOLUME ["/var/lib/strongroom", "/var/lib/strongroom-keeper"]
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["strongroom"]
CMD ["serve"]
