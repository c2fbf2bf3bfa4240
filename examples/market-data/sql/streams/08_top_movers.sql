-- The three widest ranges: top-N over the view before.
CREATE STREAM top_movers AS
SELECT * FROM (
    SELECT *, ROW_NUMBER() OVER (ORDER BY price_range DESC) AS rn
    FROM symbol_stats
) sub WHERE rn <= 3;
