# Each target is a short script below scripts/, for machines without make.
.PHONY: run test check bench matrix format audit lock

run: ; @scripts/run
test: ; @scripts/test
check: ; @scripts/check
bench: ; @scripts/bench
matrix: ; @scripts/matrix
format: ; @scripts/format
audit: ; @scripts/audit
lock: ; @scripts/lock
