import collections, service_helpers, atexit, sys
import starlette.testclient as t
C=collections.Counter(); o=t.TestClient.request
def r(self,m,u,**k):
    a=o(self,m,u,**k); C[(m,str(u)[:10],a.status_code)]+=1; return a
t.TestClient.request=r
atexit.register(lambda: print(C,file=sys.stderr))
