// examine() of an image that is open already, whatever it is made of: tests put sources that fail, or bytes that no file holds, under it.
#pragma once

#include "image/open.hpp"
#include "trimcarve/examine.hpp"

namespace trimcarve {

// As examine(); `opened` is what the request's image names. Throws what examine() throws.
Examination examine_opened(const Request& request, image::OpenedImage opened, const Progress& progress = {});

}  // namespace trimcarve
