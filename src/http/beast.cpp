// The one place where Beast is compiled: parse.cpp and websocket.cpp only declare it (BOOST_BEAST_SEPARATE_COMPILATION).
#include <boost/beast/src.hpp>
