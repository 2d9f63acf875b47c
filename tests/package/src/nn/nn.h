// A user's own header, which has the name of one of heed's and comes first on the include path.
#pragma once

namespace user {
constexpr int nn_of_nn = 1;
}
