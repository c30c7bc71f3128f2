// Files of the examiner's machine as byte sources.
//
// Read with pread, never mapped: a bad sector must fail one read, not end the program by a signal. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"

namespace trimcarve::image {

// A regular file or a block device; `locate` answers in `space`. Throws RunError{ExitCode::input}: no such file, a directory, empty, not
// readable, or something without a size (pipe, character device).
SourcePtr open_host_file(const std::string& path, std::uint32_t space);

// Several sources one after another. Precondition: not empty.
SourcePtr join_sources(std::vector<SourcePtr> parts);

// The first `length` bytes of a container's payload as the virtual disk: `locate` answers in the disk space. What lies beyond the end of
// `base` is unreadable, not zero.
SourcePtr make_disk(SourcePtr base, std::uint64_t length);

// Appends an extent, joined to its neighbour when both are of one kind and of blocks of one kind. Empty ones are dropped.
void add_extent(std::vector<Extent>& extents, std::uint64_t offset, std::uint64_t length, ExtentKind kind, bool partial = false);

}  // namespace trimcarve::image
