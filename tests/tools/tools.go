//go:build tools

// Package tools pins the programs that end-to-end tests run; ./dev builds them from go.sum.
package tools

import _ "github.com/summerwind/h2spec/cmd/h2spec"
