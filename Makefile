# One command each; see README.md. Everything that a command needs and that
# may be fetched, it fetches itself.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
GO      ?= go
FUZZTIME ?= 60s

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
ERRCHECK    := github.com/kisielk/errcheck@v1.30.0
TEMPL       := github.com/a-h/templ/cmd/templ@v0.3.977

# name/GOOS/GOARCH/extra settings
BOARDS := amd64: arm64: arm:GOARM=7 mipsle:GOMIPS=softfloat riscv64:

.PHONY: all pages prompts build run test check bench bench-fax cross fuzz clean

all: build

build:
	LDFLAGS="$(LDFLAGS)" tools/setup/build.sh bin/tipring

# The Go of the pages' components; committed, so that a build needs no generator.
pages:
	$(GO) run ./tools/pages $(TEMPL) webui

# What the device says on its telephones, spoken by a free voice; committed like the pages.
prompts:
	tools/setup/prompts.sh

run: build
	bin/tipring demo

# Everything: this module's packages, then the ones that talk to foreign
# programs, which live in a module of their own. Without axe-core, which is npm's and not
# Debian's, the tests that need it fail, and no others.
test:
	tools/setup/peers.sh
	-tools/setup/axe.sh
	tools/setup/test.sh

check:
	tools/setup/check.sh "$(STATICCHECK)" "$(ERRCHECK)" "$(TEMPL)"

bench: build
	tools/setup/peers.sh
	cd tools/peers && $(GO) run ./bench -tipring ../../bin/tipring $(BENCHFLAGS)

# spandsp's modems and ours on the same recordings, its machines and ours on the
# same pages: FAX='-only v17,snr -trials 10' chooses.
bench-fax:
	tools/setup/peers.sh
	cd tools/peers && $(GO) run ./faxbench $(FAX)

cross:
	tools/setup/peers.sh mksquashfs qemu-arm-static
	VERSION="$(VERSION)" LDFLAGS="$(LDFLAGS)" tools/setup/cross.sh $(BOARDS)

fuzz:
	FUZZTIME=$(FUZZTIME) tools/setup/fuzz.sh

clean:
	rm -rf bin build
	$(GO) clean -testcache
