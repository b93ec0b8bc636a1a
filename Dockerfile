# The prober with its workspace, as an image. Third parties come from requirements.lock, each checked against its hash.
FROM python:3.13.15-slim AS build
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --only-binary :all: --requirement requirements.lock
COPY pyproject.toml README.md LICENSE specwatch.yaml ./
COPY src/ src/
COPY specs/ specs/
COPY contracts/ contracts/
COPY probes/ probes/
COPY sandbox/ sandbox/
COPY grafana/ grafana/
COPY docs/runbooks/ docs/runbooks/
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-index --no-build-isolation .

FROM python:3.13.15-slim
RUN useradd --system --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin specwatch
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9464/-/healthy', timeout=4)"]
ENTRYPOINT ["specwatch"]
CMD ["watch", "--listen", "0.0.0.0:9464", "--log-format", "json"]
