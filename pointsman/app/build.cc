#include "pointsman/app/build.h"

namespace pointsman {

std::string_view build_commit() {
  return POINTSMAN_COMMIT;
}

}  // namespace pointsman
