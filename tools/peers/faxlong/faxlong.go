// Package faxlong proves long faxes: many pages, through sessions that are refreshed again and again.
package faxlong
