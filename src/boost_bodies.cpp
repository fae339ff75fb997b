// SPDX-License-Identifier: Apache-2.0
// The one translation unit that compiles Boost's bodies; everything else sees declarations only.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/json/src.hpp>
#include <boost/redis/impl/error.ipp>
#include <boost/redis/resp3/impl/parser.ipp>
#include <boost/redis/resp3/impl/type.ipp>
