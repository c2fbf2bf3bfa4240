package connectors

// Healthy is a reader or a sink that knows of troubles that may pass by
// themselves. Health may be called from any goroutine.
type Healthy interface {
	// Health says what is wrong with the outside at the moment, "" for nothing.
	Health() string
}

// Counted is a sink that knows how much it wrote. BytesWritten may be called from
// any goroutine.
type Counted interface {
	// BytesWritten is how many bytes of keys and values were handed over so far.
	BytesWritten() int64
}
