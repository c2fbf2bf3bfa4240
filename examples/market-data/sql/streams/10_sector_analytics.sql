-- Averages by sector over the enriched ticks: a stream over a stream.
CREATE STREAM sector_analytics AS
SELECT
    sector,
    AVG(price) as avg_price,
    SUM(volume) as total_volume,
    COUNT(*) as tick_count
FROM enriched_ticks
GROUP BY sector, tumble(ts, INTERVAL '10' SECOND)
EMIT AFTER WATERMARK;
