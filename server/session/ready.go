package session

import (
	"fmt"

	"laminardb/catalog"
)

// Ready reports whether everything that was there at the start can be read, and if
// not, why. Once it has said so it stays so: a table that a client creates later
// does not take the server away from the others.
func (db *Database) Ready() (ok bool, why string) {
	if db.wasReady.Load() {
		return true, ""
	}
	for _, o := range db.catalog.Snapshot().OfKind(catalog.Table) {
		if st, running := db.engine.TableState(o.ID); running && !st.Ready {
			return false, fmt.Sprintf("table %q is %s", o.Name, tableStatus(st))
		}
	}
	db.wasReady.Store(true)
	return true, ""
}
