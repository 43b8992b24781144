#pragma once

#include <array>

namespace pointsman::buckets {

// Upper bounds of histograms, in ascending order; +Inf is implied. All but kMicro and kRouting are
// part of the interface (spec/07 section 3), down to the odd 32778 that stands for 32768.
// clang-format off
inline constexpr std::array kGeneral{
    .005, .025, .05, .1, .2, .4, .6, .8, 1., 1.25, 1.5, 2., 3., 4., 5., 6., 8., 10., 15., 20., 30.,
    45., 60., 120., 180., 240., 300., 360., 480., 600., 900., 1200., 1800., 2700., 3600.};
inline constexpr std::array kSize{
    64., 128., 256., 512., 1024., 2048., 4096., 8192., 16384., 32768., 65536., 131072., 262144.,
    524288., 1048576., 2097152., 4194304., 8388608., 16777216., 33554432., 67108864., 134217728.,
    268435456., 536870912., 1073741824.};
inline constexpr std::array kResponseSize{
    1., 8., 16., 32., 64., 128., 256., 512., 1024., 2048., 4096., 8192., 16384., 32778., 65536.};
inline constexpr std::array kTokens{
    1., 8., 16., 32., 64., 128., 256., 512., 1024., 2048., 4096., 8192., 16384., 32778., 65536.,
    131072., 262144., 524288., 1048576.};
inline constexpr std::array kOutputTokens{
    1., 8., 16., 32., 64., 128., 256., 512., 1024., 2048., 4096., 8192.};
inline constexpr std::array kNtpot{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1., 2., 5., 10.};
inline constexpr std::array kShort{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1};
// kShort carried on downwards in its own 1-2-5 steps: what is measured there takes microseconds.
inline constexpr std::array kMicro{
    .000'000'2, .000'000'5, .000'001, .000'002, .000'005, .000'01, .000'02, .000'05,
    .0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1};
// Fine around 1.5 ms, of which 99 % of the replies are to stay below.
inline constexpr std::array kRouting{
    .00005, .0001, .0002, .0003, .0005, .0007, .001, .00125, .0015, .00175, .002, .003, .005, .01,
    .02, .05, .1, .5};
inline constexpr std::array kTtft{
    .005, .025, .05, .1, .2, .4, .6, .8, 1., 1.25, 1.5, 2., 3., 4., 5., 6., 8., 10., 15., 20., 30.,
    45., 60., 120.};
inline constexpr std::array kTpot{
    .0005, .00205, .005, .01, .02, .04, .06, .08, .1, .125, .15, .2, .3, .4, .5, .6, .8, 1., 2.};
inline constexpr std::array kItl{
    .001, .005, .01, .02, .04, .06, .08, .1, .15, .2, .3, .5, .75, 1., 2.};
inline constexpr std::array kRequestProcessing{
    .0005, .001, .002, .005, .01, .015, .025, .04, .06, .1, .25, .5, 1., 2.5, 5., 10.};
inline constexpr std::array kResponseProcessing{
    .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1., 2.5, 5.};
inline constexpr std::array kStream{
    .001, .005, .01, .05, .1, .5, 1., 5., 10., 30., 60., 120., 300., 600.};
inline constexpr std::array kRatio{0., .1, .2, .3, .4, .5, .6, .7, .8, .9, 1.};
inline constexpr std::array kHitBytes{
    0., 16., 32., 64., 128., 256., 512., 1024., 2048., 4096., 8192., 16384., 32768., 65536.};
// clang-format on

}  // namespace pointsman::buckets
