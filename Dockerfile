# One image for the server, run by a user who is not root. Data that must survive lives in the volume /data.
FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 DATA_DIR=/data RUN_IN_PLACE=1
RUN useradd --system --uid 10001 --create-home ocpp && install -d -o ocpp /data
WORKDIR /srv/ocpp-server

COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

COPY . .
# Collected once, so that the server finds compressed files and needs to write nowhere but to /data.
RUN mkdir staticfiles && DATA_DIR=/srv/build python manage.py collectstatic --no-input --verbosity 0 \
    && rm -r /srv/build

USER ocpp
VOLUME /data
EXPOSE 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('HTTP_PORT', '8081') + '/health', timeout=2)"]
CMD ["python", "run.py"]
