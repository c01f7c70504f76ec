package provisioning

// open is the file as it is when it has no seal.
func (f Files) open(_ Search, file File) (File, error) { return file, nil }
