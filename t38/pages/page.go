package pages

import (
	"fmt"
	"strings"
)

// OnPage tells on which page of a document something went wrong, the first is 0, unless the
// error says so itself: readers of files with many pages do.
func OnPage(n int, err error) error {
	page := fmt.Sprintf("page %d: ", n+1)
	if strings.Contains(err.Error(), page) {
		return err
	}
	return fmt.Errorf("%s%w", page, err)
}
