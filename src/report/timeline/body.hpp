// Body file lines (Sleuth Kit, "Body file" 3.x): MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime.
#pragma once

#include <string>

#include "report/timeline/timeline_file.hpp"

namespace trimcarve::report {

// Appends the entry's line, or lines: a file's named streams have one each. Entries without a time have none.
// Returns how many.
unsigned append_body_lines(std::string& out, const TimelineEntry& entry, BodyStyle style);

}  // namespace trimcarve::report
