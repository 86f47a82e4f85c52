# One image for every role, run by a user who is not root, on a root filesystem that may be read-only:
#   docker run ... ocpp-server                          everything in one process; data in the volume /data
#   docker run ... ocpp-server python run.py gateway    one role; docker-compose.yml and k8s/ have all of them
# A process writes to /data (only what is embedded: SQLite, the keys it made) and to /tmp (a sign of life).

# The packages, in a stage of their own: what pip needs to install them stays behind.
FROM python:3.13-slim AS packages
WORKDIR /build
COPY requirements.txt .
RUN python -m venv --copies /packages \
    && /packages/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt \
    && /packages/bin/pip uninstall --yes pip

FROM python:3.13-slim
ENV PATH=/packages/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    RUN_IN_PLACE=1 DATA_DIR=/data HEALTH_FILE=/tmp/ocpp-health
RUN useradd --system --uid 10001 --create-home ocpp && install -d -o ocpp -m 700 /data
COPY --from=packages /packages /packages
WORKDIR /srv/ocpp-server
COPY . .
# Collected once, so that the server finds compressed files and needs to write nowhere.
RUN mkdir staticfiles && DATA_DIR=/tmp/build HEALTH_FILE= python manage.py collectstatic --no-input --verbosity 0 \
    && rm -r /tmp/build && python -m compileall -q -j 0 .

USER 10001
VOLUME /data
EXPOSE 8081 59800
STOPSIGNAL SIGTERM
# Knows the role: a process without a port is asked through the file it writes.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "run.py", "healthcheck"]
CMD ["python", "run.py"]
