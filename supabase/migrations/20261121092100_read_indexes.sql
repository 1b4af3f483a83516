-- The indexes that reading asks for beyond the documents' own. Measured by
-- bench/read.ts on PostgreSQL 17.10 with 1,000,000 rows in each log, 50 firms and
-- 13 months: an index taken away and put back in turn, medians, rows read and
-- 8 KiB pages touched by the statement. Two runs; times are only good as ratios.
--
-- (firm_id, created_at): the page and the month of a firm read that firm's rows
-- only, however small the firm and however long ago it left.
--
--                                          without            with    without/with
--   llm_usage_log, page of a small firm  10,850 ( 423)     131 (  30)   1.3 to 2.7
--   … of a firm that left                67,174 (2821)     102 (  82)   4.9 to 5.5
--   … month of a small firm                 276 ( 212)     276 ( 112)   2.5
--   … month of the largest firm          78,977 (1847)  18,829 (1139)   1.3 to 1.6
--   audit_log, page of a small firm      26,600 (1312)     104 (  42)   2.0 to 3.0
--   … of a firm that left                67,604 (3365)     112 (  93)   4.8 to 6.6
--   … month of a small firm                 200 ( 203)     200 (  99)   4.0 to 6.3
--   … month of the largest firm          81,583 (2424)  17,690 (1365)   2.0
--
-- id as a third column is not worth it. Equal times, up to 1,000 of them, are
-- sorted as they come, so a page is no faster (0.98 to 1.08); the month of the
-- largest firm is slower (0.86 to 0.88), because 9,647 pages are touched instead
-- of 1,139; and the index has 56 MB instead of 20.
create index idx_llm_usage_log_firm_id_created_at on public.llm_usage_log (firm_id, created_at);
create index idx_audit_log_firm_id_created_at on public.audit_log (firm_id, created_at);

-- Who touched this project? Without an index that is a scan of the whole log, or
-- of all that the firm has.
--
--   page of an entity                 1,000,002 (24947)    147 ( 144)   48 to 81
--   … as a member of its firm            74,373 (10029)    147 ( 146)   14 to 20
create index idx_audit_log_entity_id on public.audit_log (entity_id);

-- The documents' indexes on the ledger start with the agent or the venture, so a
-- list without either sorts the whole log for every page.
--
--   page                              1,000,002 (13973)    108 (   6)   84 to 112
--   page of the rarest tool             999,999 (13973) 12,229 ( 425)   18 to 21
--   month, by tool                       64,512 (31198) 64,512 (1467)   1.7
create index idx_tool_usage_ledger_created_at on public.tool_usage_ledger (created_at);

-- What they cost, per batch of 1,000 events: no more time than two runs can tell
-- from noise (1.00 to 1.02 times on a quiet machine), and 60 to 90 KiB of
-- write-ahead log beside 470 to 640. Sizes: 20, 20, 10 and 9 MB.
--
-- Not added, because no documented question asks for them: audit_log (user_id),
-- 20 times faster for one user's actions; model_usage_log (session_id), 75 to 107
-- times for one session.
