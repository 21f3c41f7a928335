# Record, make and re-send Vonage delivery receipts: `make devkit` tells what there is.
# Written by `devkit init`. It needs devkit on PATH, and one line at the end of your Makefile:
#
#     include devkit.mk
#
# Before that line, where devkit is somewhere else:   DEVKIT := uv run devkit
# and where a name is taken, for `make dlr-dev` etc.: DEVKIT_PREFIX := dlr-

DEVKIT ?= devkit
DEVKIT_PREFIX ?=
DEVKIT_MK := $(lastword $(MAKEFILE_LIST))

.PHONY: devkit
devkit:
	@awk 'BEGIN {FS = ":.*## "} /^\$$\(DEVKIT_PREFIX\)[a-z]+:.*## / {sub(/^[^)]*\)/, ""); printf "  make %-10s %s\n", "$(DEVKIT_PREFIX)" $$1, $$2}' "$(DEVKIT_MK)"

.PHONY: $(DEVKIT_PREFIX)dev
$(DEVKIT_PREFIX)dev: ## Record receipts until Ctrl-C  [OFFLINE=1] [FORWARD_TO=URL] [RELAY=URL] [ARGS=...]
	@$(DEVKIT) dev $(if $(filter 1 true yes,$(OFFLINE)),--offline) $(if $(FORWARD_TO),--forward-to "$(FORWARD_TO)") $(if $(RELAY),--relay "$(RELAY)") $(ARGS)

.PHONY: $(DEVKIT_PREFIX)replay
$(DEVKIT_PREFIX)replay: ## Send recorded receipts to local code  [FIXTURE=latest] [TO=URL] [ARGS=...]
	@$(DEVKIT) replay $(or $(FIXTURE),latest) $(if $(TO),--to "$(TO)") $(ARGS)

.PHONY: $(DEVKIT_PREFIX)trigger
$(DEVKIT_PREFIX)trigger: ## Send a new receipt to the session, or to local code  [STATUS=delivered] [TO=URL] [ARGS=...]
	@$(DEVKIT) trigger $(or $(STATUS),delivered) $(if $(TO),--to "$(TO)") $(ARGS)

.PHONY: $(DEVKIT_PREFIX)send
$(DEVKIT_PREFIX)send: ## Send a test SMS; its receipts come to this session  [ARGS='--to ... --wait']
	@$(DEVKIT) send $(ARGS)

.PHONY: $(DEVKIT_PREFIX)doctor
$(DEVKIT_PREFIX)doctor: ## Walk the whole path and say what is wrong and what to type  [ARGS=...]
	@$(DEVKIT) doctor $(ARGS)
