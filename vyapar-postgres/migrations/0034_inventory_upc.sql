-- A UPC-A is kept as the EAN-13 that it is, with a 0 before its twelve digits. What has a wrong
-- check digit is no barcode, and is looked for as it stands.
update vyapar.store_products p set barcode = '0' || p.barcode
 where p.barcode ~ '^[0-9]{12}$'
   and (select sum(substr(p.barcode, n, 1)::integer * case when n % 2 = 1 then 3 else 1 end)
          from generate_series(1, 12) n) % 10 = 0;
