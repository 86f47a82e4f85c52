# One image for every role, run by a user who is not root, on a root filesystem that may be read-only:
#   docker run ... ocpp-server                          everything in one process; data in the volume /data
#   docker run ... ocpp-server python run.py gateway    one role; docker-compose.yml and k8s/ have all of them
# A process writes to /data (web: files of stations; embedded: SQLite, generated keys too) and to /tmp (the health file).

# The packages, in a stage of their own: the image does not contain pip's build requirements.
FROM python:3.13-slim AS packages
WORKDIR /build
COPY requirements.txt .
RUN python -m venv --copies /packages \
    && /packages/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt \
    && /packages/bin/pip uninstall --yes pip

FROM python:3.13-slim
ENV PATH=/packages/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    RUN_IN_PLACE=1 DATA_DIR=/data HEALTH_FILE=/tmp/ocpp-health
RUN useradd --system --uid 10001 --create-home ocpp && install -d -o ocpp -m 700 /data /data/uploads /data/firmware /data/tmp /data/signer
COPY --from=packages /packages /packages
WORKDIR /srv/ocpp-server
COPY . .
RUN python -m compileall -q -j 0 .

USER 10001
VOLUME /data
EXPOSE 8081 59800
STOPSIGNAL SIGTERM
# The check knows the role: it reads the health file of a process without a port.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "run.py", "healthcheck"]
CMD ["python", "run.py"]
