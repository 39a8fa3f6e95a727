"""What the counts of a check show over the nights: `counts` works it out, `words` says it. Pure."""

from privacy_audit.findings.trends.counts import IDLE_NIGHTS, NightCounts, Trend, TrendDirection, nights, trend
from privacy_audit.findings.trends.trend_phrases import sentences

__all__ = ["IDLE_NIGHTS", "NightCounts", "Trend", "TrendDirection", "nights", "sentences", "trend"]
