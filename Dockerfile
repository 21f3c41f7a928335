# devkit as an image, for `devkit dev`, `devkit simulate` and `devkit relay serve`: docs/containers.md
FROM python:3.13-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE .env.example ./
COPY devkit ./devkit
COPY fixtures/samples ./fixtures/samples
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.13-slim-bookworm
# That of your own user, who owns the project that is mounted.
ARG UID=1000
COPY constraints.txt /tmp/constraints.txt
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --constraint /tmp/constraints.txt "$(echo /wheels/*.whl)[relay]" \
    && useradd --create-home --uid "$UID" devkit \
    && install --directory --owner=devkit /project
USER devkit
WORKDIR /project
# Of a session's inspector. For `devkit simulate`: http://127.0.0.1:3050/simulator, for a relay http://127.0.0.1:3001/
ENV HEALTH_URL=http://127.0.0.1:3040/ready
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open(os.environ['HEALTH_URL'], timeout=3)"]
ENTRYPOINT ["devkit"]
CMD ["dev"]
