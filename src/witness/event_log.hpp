// Windows event logs (.evtx), through libevtx: closed, in use, damaged, cut, or only chunks of one.
#pragma once

#include <string_view>

#include "witness/witness.hpp"

namespace trimcarve::witness {

// Emits the events that state_event() (witness/event_statement.hpp) keeps; all others count in the tally and its window only.
// Order: that of the file, in each chunk first the records it lists, then those libevtx recovers from its free space (Statement::carved).
// `offset` and `length` are the record's, header and all, in `file`. `path` is for nothing but notes. The time is the event's SystemTime,
// or when it was written if that cannot be read. `damaged` counts records that are there but could not be read, and chunks cut or not
// readable in part. Nothing of the file is handed to libevtx but one chunk at a time, behind a header made for it, so a bad one costs
// itself only.
Tally read_event_log(const SourcePtr& file, std::string_view path, const StatementSink& sink);

}  // namespace trimcarve::witness
