// Containers that other acquisition tools and virtual machines write, E01 and qcow2 read by their own tables, VMDK by
// libvmdk. What a file is, its content decides. What a library is known to get wrong is refused, or told by own reading of the container's
// tables; a stretch that a library cannot vouch for is unreadable, never zero.
//
// Threads: the disks are thread-safe; one call at a time enters the library.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "image/container.hpp"

namespace trimcarve::image {

// Opens another file of the same image (a segment, an extent), which takes the next `file:N` space. Throws RunError when it cannot.
using OpenBeside = std::function<SourcePtr(const std::string& path)>;

// The disk in `file`, which is at `path`; nothing when it is none of these containers. Throws RunError{input} when it is one that cannot be
// read: the reason says what to do, or which library this program was built without.
std::optional<Container> open_foreign(const SourcePtr& file, const std::string& path, const OpenBeside& beside);

// One format each; the signature was checked. open_vmdk only exists where libvmdk was found when the program was built.
Container open_ewf(const SourcePtr& file, const std::string& path, const OpenBeside& beside);
Container open_qcow(const SourcePtr& file, const std::string& path);
Container open_vmdk(const SourcePtr& file, const std::string& path, const OpenBeside& beside);

}  // namespace trimcarve::image
