"""Trends of the counts of a check over the nights: `counts` computes them, `trend_phrases` words them. Pure."""

from privacy_audit.findings.trends.counts import IDLE_NIGHTS, NightCounts, Trend, TrendDirection, nights, trend
from privacy_audit.findings.trends.trend_phrases import sentences

__all__ = ["IDLE_NIGHTS", "NightCounts", "Trend", "TrendDirection", "nights", "sentences", "trend"]
